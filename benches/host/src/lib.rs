//! Steps per second of every case on this computer: `cargo bench -p host`, or one of them with
//! `cargo bench -p host -- pid/f32`.
