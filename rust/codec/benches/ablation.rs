//! What each part of an engine is worth: `make ablation` runs it.
//!
//! ```text
//! cargo bench -p foretold-codec --bench ablation -- [--list] [--presets 1,5,9] [--part SORT:NAME]... FILE...
//! ```
//!
//! Prints tab-separated lines: for every part and file how long the coded file is without the
//! part, and the time that takes. The whole engine codes each file again beside every four
//! parts, so that the times compared are of the same minute. Times are the processor's where the
//! system tells them for a thread (Linux).

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use foretold_codec::Preset;
use foretold_codec::ablation::Variant;

/// Parts that are measured beside one measurement of the whole engine.
const BESIDE: usize = 4;

fn main() -> Result<(), Box<dyn Error>> {
    let mut presets = vec![1, 5, 9];
    let (mut list, mut wanted, mut files) = (false, Vec::new(), Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            // Cargo says it to every benchmark.
            "--bench" => (),
            "--list" => list = true,
            "--presets" => presets = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--part" => wanted.push(value()?),
            name => files.push((name.to_string(), std::fs::read(name)?)),
        }
    }
    if !list && files.is_empty() {
        eprintln!("ablation: no files to code; see the head of {}", file!());
        return Ok(());
    }
    if !list {
        println!("preset\tsort\tpart\tfile\tbytes\tseconds\tdelta_bytes\twhole_seconds");
    }
    for number in presets {
        let preset = Preset::new(number).ok_or("presets are 1 to 9 and max (10)")?;
        let mut variants = Variant::all(preset);
        variants.retain(|one| wanted.is_empty() || wanted.contains(&format!("{}:{}", one.sort, one.name)));
        if list {
            for one in &variants {
                println!("{number}\t{}\t{}", one.sort, one.name);
            }
            continue;
        }
        let whole = Variant::whole(preset);
        for beside in variants.chunks(BESIDE) {
            for (name, content) in &files {
                let (whole_bytes, whole_seconds) = timed(&whole, content)?;
                for one in beside {
                    let (bytes, seconds) = timed(one, content)?;
                    let delta = bytes as i64 - whole_bytes as i64;
                    let name = Path::new(name).file_name().unwrap_or_default().display();
                    println!(
                        "{number}\t{}\t{}\t{name}\t{bytes}\t{seconds:.4}\t{delta}\t{whole_seconds:.4}",
                        one.sort, one.name
                    );
                }
            }
        }
    }
    Ok(())
}

fn timed(variant: &Variant, content: &[u8]) -> Result<(usize, f64), Box<dyn Error>> {
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let bytes = variant.coded_bytes(content)?;
    let wall = started.elapsed().as_secs_f64();
    Ok((bytes, cpu.zip(cpu_seconds()).map_or(wall, |(before, after)| after - before)))
}

/// Processor time of this thread so far.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split_whitespace().next()?.parse::<f64>().ok()? / 1e9)
}
