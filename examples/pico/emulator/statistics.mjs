// Count, least, mean and largest of a series.

export class Statistics {
  count = 0;
  #sum = 0;
  #least = Infinity;
  #largest = -Infinity;

  add(value) {
    this.count += 1;
    this.#sum += value;
    if (value < this.#least) this.#least = value;
    if (value > this.#largest) this.#largest = value;
  }

  summary() {
    if (this.count === 0) return null;
    const mean = Math.round((this.#sum / this.count) * 100) / 100;
    return { count: this.count, min: this.#least, mean, max: this.#largest };
  }
}
