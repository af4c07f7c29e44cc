//! Recordings: CSV, and MCAP for Foxglove and PlotJuggler.

use crate::cli::RecordArgs;
use crate::session::{Record, Session, Told};
use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use mcap::records::MessageHeader;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

/// Records for a while, or takes the black box.
pub fn record(args: &RecordArgs) -> Result<()> {
    let kind = Kind::of(&args.file)?;
    ensure!(
        args.seconds > 0.0 && args.seconds < 1e6,
        "--seconds is the length of the recording, above zero"
    );
    ensure!(
        !args.file.exists(),
        "{} exists; nothing is overwritten",
        args.file.display()
    );
    let mut session = Session::open(&args.target)?;
    let records = if args.black_box {
        session.say("dump")?;
        until_silent(&mut session)?
    } else {
        session.demand(&format!("scope {}", args.channels.join(",")))?;
        let records = for_seconds(&mut session, args.seconds)?;
        session.say("scope off")?;
        records
    };
    ensure!(!records.is_empty(), "the robot told nothing");
    match kind {
        Kind::Csv => write_csv(&args.file, &session, &records)?,
        Kind::Mcap => write_mcap(&args.file, &session, &records)?,
    }
    writeln!(
        stdout(),
        "{} records in {}{}",
        records.len(),
        args.file.display(),
        match session.lost {
            0 => String::new(),
            lost => format!(", {lost} lost on the way"),
        }
    )?;
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Csv,
    Mcap,
}

impl Kind {
    fn of(file: &Path) -> Result<Self> {
        match file.extension().and_then(|end| end.to_str()) {
            Some("csv") => Ok(Self::Csv),
            Some("mcap") => Ok(Self::Mcap),
            _ => bail!("{} ends neither in .csv nor in .mcap", file.display()),
        }
    }
}

fn for_seconds(session: &mut Session, seconds: f64) -> Result<Vec<Record>> {
    let bar = ProgressBar::new((seconds * 10.0) as u64)
        .with_style(ProgressStyle::with_template("{bar:40} {elapsed} {msg}")?);
    let started = Instant::now();
    let mut records: Vec<Record> = Vec::new();
    while started.elapsed().as_secs_f64() < seconds {
        if let Some(Told::Record(record)) = session.hear(Duration::from_millis(200))? {
            records.push(record);
        }
        if records.len().is_multiple_of(50) {
            bar.set_position((started.elapsed().as_secs_f64() * 10.0) as u64);
            bar.set_message(format!("{} records", records.len()));
        }
    }
    bar.finish_and_clear();
    Ok(records)
}

fn until_silent(session: &mut Session) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    while let Some(told) = session.hear(Duration::from_millis(500))? {
        if let Told::Record(record) = told {
            records.push(record);
        }
    }
    Ok(records)
}

/// The channels that occur, in order.
fn columns(records: &[Record]) -> Vec<u8> {
    let channels = records.iter().flat_map(|record| &record.values);
    let known: BTreeMap<u8, ()> = channels.map(|(channel, _)| (*channel, ())).collect();
    known.into_keys().collect()
}

fn write_csv(file: &Path, session: &Session, records: &[Record]) -> Result<()> {
    let columns = columns(records);
    let mut csv = csv::Writer::from_path(file)
        .with_context(|| format!("{} cannot be written", file.display()))?;
    let mut head = vec!["time_s".to_owned()];
    head.extend(columns.iter().map(|channel| match session.name(*channel) {
        (name, unit) if unit.is_empty() || unit == "1" => name,
        (name, unit) => format!("{name} [{unit}]"),
    }));
    csv.write_record(head)?;
    for record in records {
        let mut row = vec![format!("{:.6}", record.seconds)];
        row.extend(columns.iter().map(|column| {
            let value = record.values.iter().find(|(channel, _)| channel == column);
            value.map_or(String::new(), |(_, value)| value.to_string())
        }));
        csv.write_record(row)?;
    }
    Ok(csv.flush()?)
}

fn write_mcap(file: &Path, session: &Session, records: &[Record]) -> Result<()> {
    let output =
        File::create_new(file).with_context(|| format!("{} cannot be written", file.display()))?;
    let mut mcap = mcap::WriteOptions::new()
        .compression(None)
        .library("balance-console")
        .create(BufWriter::new(output))?;
    let names: BTreeMap<u8, (String, String)> = columns(records)
        .into_iter()
        .map(|channel| (channel, session.name(channel)))
        .collect();
    let properties: serde_json::Map<String, serde_json::Value> = names
        .values()
        .map(|(name, unit)| {
            let about = serde_json::json!({ "type": "number", "description": unit });
            (name.clone(), about)
        })
        .collect();
    let schema = serde_json::json!({ "type": "object", "properties": properties });
    let schema = mcap.add_schema(
        "balance.Record",
        "jsonschema",
        schema.to_string().as_bytes(),
    )?;
    let channel = mcap.add_channel(schema, "/robot", "json", &BTreeMap::new())?;
    for (sequence, record) in (0..).zip(records) {
        let values: serde_json::Map<String, serde_json::Value> = record
            .values
            .iter()
            .filter_map(|(channel, value)| {
                let (name, _) = names.get(channel)?;
                Some((name.clone(), serde_json::json!(value)))
            })
            .collect();
        let time = (record.seconds * 1e9) as u64;
        let header = MessageHeader {
            channel_id: channel,
            sequence,
            log_time: time,
            publish_time: time,
        };
        mcap.write_to_known_channel(
            &header,
            serde_json::Value::Object(values).to_string().as_bytes(),
        )?;
    }
    mcap.finish()?;
    Ok(())
}
