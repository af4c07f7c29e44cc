//! Recorded IMU logs: `.f32.gz` of the BROAD pack, and CSV.
//!
//! The sensor's axes may point anywhere; a true attitude, where there is one, is the quaternion
//! (w, x, y, z) that turns the sensor's axes into an earth whose z is up.

use anyhow::{Context, Result, anyhow, bail, ensure};
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::Path;

/// One sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Angular rate, in rad/s.
    pub gyro: [f64; 3],
    /// Specific force, in m/s²: at rest +g along what points up.
    pub accel: [f64; 3],
    /// Magnetic field, in µT or another unit, where the log has one.
    pub mag: Option<[f64; 3]>,
    /// The true attitude `[w, x, y, z]`, of length one, from the sensor's axes to the earth's, where it is
    /// known.
    pub attitude: Option<[f64; 4]>,
    /// The true up direction in the sensor's axes, where it is known.
    pub up: Option<[f64; 3]>,
    /// Whether the sample counts: the log says movement, or does not say.
    pub moving: bool,
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Log {
    /// The file's name without folder and extension.
    pub name: String,
    /// Period, in seconds.
    pub dt: f64,
    /// The samples.
    pub rows: Vec<Row>,
}

/// 1 / 0.0035 s = 285.714 Hz, all trials.
const BROAD_PERIOD: f64 = 0.0035;
const BROAD_COLUMNS: usize = 14;
const BROAD_ROW: usize = BROAD_COLUMNS * size_of::<f32>();

impl Log {
    /// Reads a log; the format is known by the file's extension.
    pub fn read(path: &Path) -> Result<Self> {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy();
        let (name, broad) = match (
            file_name.strip_suffix(".f32.gz"),
            file_name.strip_suffix(".csv"),
        ) {
            (Some(name), _) => (name, true),
            (_, Some(name)) => (name, false),
            _ => bail!(
                "{}: neither a .csv nor a .f32.gz of the BROAD pack; rename or convert it",
                path.display()
            ),
        };
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow!("no such file; check the path"),
            _ => anyhow!(error),
        });
        let read = file.and_then(|file| {
            if broad {
                broad_rows(GzDecoder::new(file)).map(|rows| (BROAD_PERIOD, rows))
            } else {
                csv_rows(file)
            }
        });
        let (dt, rows) = read.with_context(|| format!("cannot replay {}", path.display()))?;
        Ok(Self {
            name: name.to_owned(),
            dt,
            rows,
        })
    }
}

/// All logs in a folder, by name.
pub fn logs_in(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot look into {}", folder.display()))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry
            .with_context(|| format!("cannot look into {}", folder.display()))?
            .path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".f32.gz") || name.ends_with(".csv") {
            paths.push(path);
        }
    }
    ensure!(
        !paths.is_empty(),
        "{} holds no .f32.gz and no .csv",
        folder.display()
    );
    paths.sort();
    Ok(paths)
}

fn broad_rows(mut packed: impl Read) -> Result<Vec<Row>> {
    let mut bytes = Vec::new();
    packed
        .read_to_end(&mut bytes)
        .context("not a whole gzip file: is it gzip at all, and was it copied to its end?")?;
    ensure!(!bytes.is_empty(), "the log is empty");
    ensure!(
        bytes.len().is_multiple_of(BROAD_ROW),
        "{} bytes unpacked are not a multiple of {BROAD_ROW}, which {BROAD_COLUMNS} columns of f32 take: \
         is it from the BROAD pack, and whole?",
        bytes.len()
    );
    let row = |bytes: &[u8]| {
        let mut x = [0.0; BROAD_COLUMNS];
        let (words, _) = bytes.as_chunks::<4>();
        for (x, word) in x.iter_mut().zip(words) {
            *x = f64::from(f32::from_le_bytes(*word));
        }
        Row {
            gyro: [x[0], x[1], x[2]],
            accel: [x[3], x[4], x[5]],
            mag: Some([x[6], x[7], x[8]]),
            attitude: unit([x[9], x[10], x[11], x[12]]),
            up: up([x[9], x[10], x[11], x[12]]),
            moving: x[13] > 0.5,
        }
    };
    Ok(bytes.chunks_exact(BROAD_ROW).map(row).collect())
}

fn csv_rows(file: impl Read) -> Result<(f64, Vec<Row>)> {
    const NEEDED: [&str; 7] = [
        "time_s", "gyro_x", "gyro_y", "gyro_z", "accel_x", "accel_y", "accel_z",
    ];
    const TRUTH: [&str; 4] = ["quat_w", "quat_x", "quat_y", "quat_z"];
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(file);
    let header = reader.headers().context("cannot read the header")?.clone();
    ensure!(
        !header.is_empty(),
        "the log is empty: the first line must be {}",
        NEEDED.join(",")
    );
    let column = |name: &&str| header.iter().position(|column| column == *name);
    let missing: Vec<&str> = NEEDED
        .into_iter()
        .filter(|name| column(name).is_none())
        .collect();
    ensure!(
        missing.is_empty(),
        "no column {}: the first line must name {} (SI units) and may name {}",
        missing.join(", "),
        NEEDED.join(","),
        TRUTH.join(",")
    );
    let truths = TRUTH.iter().filter(|name| column(name).is_some()).count();
    ensure!(
        truths == 0 || truths == 4,
        "of {} all or none must be there",
        TRUTH.join(",")
    );

    const MAG: [&str; 3] = ["mag_x", "mag_y", "mag_z"];
    let fields_of_mag = match MAG.iter().filter(|name| column(name).is_some()).count() {
        0 => false,
        3 => true,
        _ => bail!("of {} all or none must be there", MAG.join(",")),
    };

    let (mut times, mut rows) = (Vec::new(), Vec::new());
    for (number, record) in reader.records().enumerate() {
        let number = number + 1;
        let record = record.with_context(|| format!("row {number} after the header"))?;
        let field = |name: &str| -> Result<f64> {
            let text = column(&name)
                .and_then(|column| record.get(column))
                .unwrap_or_default();
            text.parse().map_err(|_| {
                anyhow!("row {number} after the header: {name} is {text:?}, which is not a number")
            })
        };
        let fields = |names: [&str; 3]| -> Result<[f64; 3]> {
            Ok([field(names[0])?, field(names[1])?, field(names[2])?])
        };
        let time = field("time_s")?;
        ensure!(
            time.is_finite() && times.last().is_none_or(|last| time > *last),
            "row {number} after the header: time_s is {time}, which is not later than the row before"
        );
        times.push(time);
        let truth = if truths == 4 {
            let [x, y, z] = fields(["quat_x", "quat_y", "quat_z"])?;
            Some([field("quat_w")?, x, y, z])
        } else {
            None
        };
        rows.push(Row {
            gyro: fields(["gyro_x", "gyro_y", "gyro_z"])?,
            accel: fields(["accel_x", "accel_y", "accel_z"])?,
            mag: if fields_of_mag {
                Some(fields(["mag_x", "mag_y", "mag_z"])?)
            } else {
                None
            },
            attitude: truth.and_then(unit),
            up: truth.and_then(up),
            moving: true,
        });
    }
    let (Some(first), Some(last)) = (times.first(), times.last()) else {
        bail!("the log is empty: there is no row after the header");
    };
    ensure!(times.len() > 1, "the log is one row; a rate needs two");
    Ok(((last - first) / (times.len() - 1) as f64, rows))
}

/// The quaternion at length one; `None` if it is zero or not finite (no fix).
fn unit(q: [f64; 4]) -> Option<[f64; 4]> {
    let norm = q.iter().map(|c| c * c).sum::<f64>().sqrt();
    (norm.is_finite() && norm > 0.0).then(|| q.map(|c| c / norm))
}

/// Earth's z axis in the sensor's axes: third row of the rotation matrix of a quaternion, which
/// need not be of unit length. `None` if it is zero or not finite (no fix).
fn up([w, x, y, z]: [f64; 4]) -> Option<[f64; 3]> {
    let norm = w * w + x * x + y * y + z * z;
    let up = [
        2.0 * (x * z - w * y),
        2.0 * (y * z + w * x),
        w * w - x * x - y * y + z * z,
    ];
    (norm.is_finite() && norm > 0.0).then(|| up.map(|c| c / norm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;

    const HEADER: &str = "time_s,gyro_x,gyro_y,gyro_z,accel_x,accel_y,accel_z";

    fn packed(values: &[f32]) -> Vec<u8> {
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        for value in values {
            gz.write_all(&value.to_le_bytes()).unwrap();
        }
        gz.finish().unwrap()
    }
    fn csv_error(text: &str) -> String {
        format!("{:#}", csv_rows(text.as_bytes()).unwrap_err())
    }
    fn close(a: [f64; 3], b: [f64; 3]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6)
    }

    #[test]
    fn columns_of_the_pack_are_where_they_belong() {
        let mut row: Vec<f32> = (0..14_u8).map(f32::from).collect();
        row[9..13].copy_from_slice(&[1.0, 0.0, 0.0, 0.0]);
        row[13] = 1.0;
        let rows = broad_rows(GzDecoder::new(&packed(&row)[..])).unwrap();
        let up = Some([0.0, 0.0, 1.0]);
        assert_eq!(
            rows,
            [Row {
                gyro: [0.0, 1.0, 2.0],
                accel: [3.0, 4.0, 5.0],
                mag: Some([6.0, 7.0, 8.0]),
                attitude: Some([1.0, 0.0, 0.0, 0.0]),
                up,
                moving: true
            }]
        );
    }

    #[test]
    fn a_row_without_fix_has_no_truth() {
        let mut row = [0.0; 14];
        row[9..13].fill(f32::NAN);
        assert_eq!(
            broad_rows(GzDecoder::new(&packed(&row)[..])).unwrap()[0].up,
            None
        );
    }

    #[test]
    fn up_follows_known_rotations() {
        let half = 0.5_f64.sqrt();
        // Turned +90° about x, the sensor's y axis points up; about y, its -x axis; about z, still z.
        assert!(close(up([half, half, 0.0, 0.0]).unwrap(), [0.0, 1.0, 0.0]));
        assert!(close(up([half, 0.0, half, 0.0]).unwrap(), [-1.0, 0.0, 0.0]));
        assert!(close(up([3.0, 0.0, 0.0, 3.0]).unwrap(), [0.0, 0.0, 1.0]));
        assert_eq!(up([0.0; 4]), None);
    }

    #[test]
    fn a_broken_pack_is_told_apart() {
        let error = |bytes: &[u8]| format!("{:#}", broad_rows(GzDecoder::new(bytes)).unwrap_err());
        assert!(error(b"plain text").contains("gzip"));
        let whole = packed(&[0.5; 28]);
        assert!(error(&whole[..whole.len() - 9]).contains("gzip"));
        assert!(error(&packed(&[0.5; 15])).contains("60 bytes"));
        assert!(error(&packed(&[])).contains("empty"));
    }

    #[test]
    fn csv_finds_columns_by_name() {
        let text = "accel_z,time_s,note,gyro_x,gyro_y,gyro_z,accel_x,accel_y\n\
                    9.8,0.00,a,1,2,3,4,5\n9.8,0.01,b,1,2,3,4,5\n9.8,0.02,c,1,2,3,4,5\n";
        let (dt, rows) = csv_rows(text.as_bytes()).unwrap();
        assert!((dt - 0.01).abs() < 1e-12);
        assert_eq!(
            (rows.len(), rows[1].gyro, rows[1].accel, rows[1].up),
            (3, [1.0, 2.0, 3.0], [4.0, 5.0, 9.8], None)
        );
    }

    #[test]
    fn csv_errors_name_row_and_column() {
        assert!(csv_error("time_s,gyro_x\n").contains("no column gyro_y"));
        assert!(csv_error("").contains("empty"));
        assert!(csv_error(&format!("{HEADER}\n")).contains("empty"));
        let bad = csv_error(&format!("{HEADER}\n0,0,0,0,0,0,9.8\n1,0,x,0,0,0,9.8\n"));
        assert!(
            bad.contains("row 2") && bad.contains("gyro_y") && bad.contains("\"x\""),
            "{bad}"
        );
        assert!(csv_error(&format!("{HEADER}\n0,0,0,0,0,0,9.8\n1,0,0\n")).contains("row 2"));
        assert!(
            csv_error(&format!("{HEADER}\n1,0,0,0,0,0,9.8\n1,0,0,0,0,0,9.8\n"))
                .contains("not later")
        );
    }
}
