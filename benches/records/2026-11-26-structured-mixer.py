"""How the mixer network for structured text of 2026-11-26 was made: texts, traces, training.

    python benches/records/2026-11-26-structured-mixer.py gather FOLDER
    python benches/records/2026-11-26-structured-mixer.py train FOLDER TRAIN_FOLDER OUTPUT.safetensors

What it learns from are logs, lists, tables, JSON and XML of one Debian system, made by the commands below
or by three small generators, and MediaWiki XML of TRAIN_FOLDER; no file of it is one that anything is
measured with. The texts stay where they are: the CSV beside this file names their digests.
"""

import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from foretold.train.mixer import (
    LstmMixer,
    MixerSettings,
    MixerTrainer,
    export_mixer,
    held_gain,
    load_mixer,
    only_heard,
)
from foretold.train.traces import trace

UNITS, BLENDS, UPDATES = 16, 16, 3000
PYTHON, SITE = "/root/.pyenv/versions/3.11.7/lib/python3.11/site-packages", "site-packages"
SCHEMAS = f"{PYTHON}/cfnlint/data/schemas/extensions"
LISTS = "/usr/lib/apt/apt-helper cat-file /var/lib/apt/lists/*bookworm_main_binary-amd64_Packages.lz4"
FOUND = r"-printf '%i %k %M %n %u %g %s %TY-%Tm-%Td %TH:%TM %p\n'"
SAMPLES = "date; ps auxw; cat /proc/meminfo; head -40 /proc/interrupts; sleep 0.2"
# Command, first byte, bytes.
TEXTS = {
    "dpkg.log": ("cat /var/log/dpkg.log", 0, 180_000),
    "term.log": ("cat /var/log/apt/term.log", 0, 220_000),
    "history.log": ("cat /var/log/apt/history.log", 0, 220_000),
    "alternatives.log": ("cat /var/log/alternatives.log", 0, 220_000),
    "endpoints.json": (f"cat {PYTHON}/botocore/data/endpoints.json", 300_000, 220_000),
    "rds.json": (f"cat {SCHEMAS}/aws_rds_dbinstance/db_instance_class.json", 0, 150_000),
    "policies.json": (f"cat {PYTHON}/cfnlint/data/AdditionalSpecs/Policies.json", 0, 220_000),
    "cognito.json": (f"cat {PYTHON}/botocore/data/cognito-idp/*/service-2.json*", 0, 220_000),
    "iso3166-2.json": ("cat /usr/share/iso-codes/json/iso_3166-2.json", 0, 220_000),
    "iso.xml": ("cat /usr/share/xml/iso-codes/iso_639_3.xml", 100_000, 200_000),
    "iso3166.xml": ("cat /usr/share/xml/iso-codes/iso_3166_2.xml", 0, 150_000),
    "mime.xml": ("cat /usr/share/mime/packages/freedesktop.org.xml", 400_000, 220_000),
    "evdev.xml": ("cat /usr/share/X11/xkb/rules/base.xml", 0, 200_000),
    "components.yml": ("zcat /var/lib/apt/lists/*dep11_Components-amd64.yml.gz", 1_000_000, 200_000),
    "packages.txt": (LISTS, 20_000_000, 200_000),
    "status.txt": ("cat /var/lib/dpkg/status", 300_000, 200_000),
    "fonts.afm": (f"cat {SITE}/matplotlib/mpl-data/fonts/afm/p*.afm", 0, 200_000),
    "compose.txt": ("cat /usr/share/X11/locale/en_US.UTF-8/Compose", 100_000, 200_000),
    "umath.csv": (f"cat {SITE}/numpy/_core/tests/data/*.csv", 0, 200_000),
    "record.csv": (f"cat {SITE}/torch-*.dist-info/RECORD", 0, 200_000),
    "unicore.txt": ("cat /usr/share/perl/*/unicore/Name.pl", 100_000, 200_000),
    "unitables.txt": ("cat /usr/share/perl/*/unicore/lib/*/*.pl", 0, 150_000),
    "bki.txt": ("cat /usr/share/postgresql/*/postgres.bki", 0, 200_000),
    "service.sql": ("cat /usr/share/postgresql/*/information_schema.sql", 0, 150_000),
    "metadata.svg": ("find /usr/share/icons -name '*.svg' | sort | xargs cat", 0, 200_000),
    "strace.log": (
        "strace -f -tt -s 60 python -c 'import json,email.message,http.client,sqlite3' 2>&1",
        30_000,
        200_000,
    ),
    "strace2.log": ("strace -T -s 40 ls -lR /usr/share/doc 2>&1", 60_000, 200_000),
    "ls.txt": ("ls -lR --time-style=full-iso /usr/share", 1_500_000, 200_000),
    "find.txt": (f"find /usr/lib {FOUND}", 700_000, 200_000),
    "ps.log": (f"for i in $(seq 25); do {SAMPLES}; done", 0, 200_000),
    "stat.log": ("for i in $(seq 60); do cat /proc/vmstat; sleep 0.1; done", 0, 150_000),
    "objdump.txt": ("objdump -d /bin/ls", 50_000, 200_000),
    "readelf.txt": ("readelf -Ws /lib/x86_64-linux-gnu/libc.so.6", 0, 200_000),
    "nm.txt": ("nm -S --defined-only /usr/lib/x86_64-linux-gnu/*.a", 500_000, 150_000),
    "cargo.json": ("cargo metadata --offline --format-version 1", 100_000, 200_000),
    "gitlog.txt": ("git log --stat", 0, 150_000),
    "long-packages.txt": (LISTS, 3_000_000, 3_000_000),
    "long-find.txt": (f"find /usr {FOUND}", 0, 3_000_000),
    "long-iso.xml": (
        "cat /usr/share/xml/iso-codes/iso_3166_2.xml /usr/share/xml/iso-codes/iso_639_3.xml",
        0,
        2_500_000,
    ),
    "long-strace.log": ("strace -f -tt -s 60 python -c 'import numpy,torch' 2>&1", 0, 2_500_000),
}
HELD = ("strace.log", "endpoints.json", "record.csv", "service.sql", "iso3166.xml", "term.log")
# These have many bits in doubt; of the long ones, the part behind the first 400,000 bytes.
SHARES = {"packages.txt": 0.6, "status.txt": 0.6, "umath.csv": 0.6}
LONG = (400_000, 0.08)
XML = "wiki/mediawiki_xml/freecad_20141228.xml"
OTHER_XML = "wiki/mediawiki_xml/freecad_pages-ns-10.xml"
# File, its bytes; the coded byte from which on and the share of the pieces that is learned from.
WIKI = [
    (XML, 0, 250_000, 0, 1.0),
    (XML, 1_000_000, 1_250_000, 0, 0.5),
    (XML, 0, 4_000_000, 400_000, 0.05),
    (OTHER_XML, 0, 400_000, 0, 0.5),
]
HELD_WIKI = (XML, 3_000_000, 3_080_000)


def access_log(draw: random.Random) -> Iterator[str]:
    """Lines of a web server's log."""
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}.0) Gecko/20100101 Firefox/{0}.0"
    agents = [
        *(firefox.format(number) for number in range(90, 120, 3)),
        "curl/7.88.1",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    ]
    found = subprocess.run(
        "find /usr/share/doc -type f | head -4000", shell=True, capture_output=True, text=True, check=True
    )
    paths = [line.removeprefix("/usr/share/doc") for line in found.stdout.split()]
    hosts = [".".join(str(draw.randrange(1, 255)) for _ in range(4)) for _ in range(60)]
    now = 1_700_000_000
    while True:
        now += int(draw.expovariate(0.3))
        path = draw.choice(paths) if draw.random() < 0.5 else draw.choice(paths[:40])
        status = draw.choices([200, 304, 404, 301, 500], [80, 10, 6, 3, 1])[0]
        when = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(now))
        method = draw.choices(["GET", "HEAD", "POST"], [90, 5, 5])[0]
        length = len(path) * 137 % 9000 if status == 200 else 0
        referrer = "-" if draw.random() < 0.6 else "http://example.org" + draw.choice(paths[:40])
        yield f'{draw.choice(hosts)} - - [{when}] "{method} {path} HTTP/1.1" {status} {length} '
        yield f'"{referrer}" "{draw.choice(agents)}"\n'


def application_log(draw: random.Random) -> Iterator[str]:
    """An application's log in JSON lines."""
    now = 1_700_000_000.0
    loggers = ["app.db", "app.http", "app.cache", *(f"worker.{k}" for k in range(8))]
    while True:
        now += 3 * draw.random()
        messages = [
            "query finished",
            f"cache miss for key user:{draw.randrange(5000)}",
            f"GET /usr/{draw.randrange(200)}/changelog",
            f"retrying after timeout, attempt {draw.randrange(1, 5)}",
        ]
        record = {
            "ts": round(now, 3),
            "level": draw.choices(["INFO", "DEBUG", "WARN", "ERROR"], [70, 20, 7, 3])[0],
            "logger": draw.choice(loggers),
            "request_id": f"{draw.getrandbits(64):016x}",
            "user": {"id": draw.randrange(1, 5000), "plan": draw.choice(["free", "pro"])},
            "duration_ms": round(draw.lognormvariate(2, 1), 2),
            "msg": draw.choice(messages),
        }
        yield json.dumps(record) + "\n"


def molecules(draw: random.Random) -> Iterator[str]:
    """Tables of atoms and bonds."""
    for number in range(1, 1_000_000):
        atoms = draw.randrange(8, 30)
        yield f"{number}\n  -GEN-  {number:08d} 2D\n\n{atoms:3d}{atoms:3d}  0  0  0  0  0  0  0  0  1 V2000\n"
        for i in range(atoms):
            x, y = 2 + 1.0392 * (i % 6), 3 + 0.9 * (i // 6) + 0.3 * (i % 2)
            symbol = draw.choices("CNOHS", [60, 12, 14, 10, 4])[0]
            yield f"{x:10.4f}{y:10.4f}{0:10.4f} {symbol:<3} 0  0  0  0  0  0  0  0  0\n"
        for i in range(atoms):
            yield f"{i + 1:3d}{(i + 1) % atoms + 1:3d}{draw.choices([1, 2], [3, 1])[0]:3d}  0  0  0  0\n"
        weight = draw.gauss(300, 80)
        yield f"M  END\n> <ID>\n{7 * number + draw.randrange(7)}\n\n> <WEIGHT>\n{weight:.3f}\n\n$$$$\n"


GENERATED = {"access.log": access_log, "app.jsonl": application_log, "molecules.sdf": molecules}


def gather(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, (command, start, length) in TEXTS.items():
        made = subprocess.run(command, shell=True, capture_output=True, check=False).stdout
        (folder / name).write_bytes(made[start : start + length])
    for name, generate in GENERATED.items():
        lines: list[str] = []
        for line in generate(random.Random(7)):
            lines.append(line)
            if sum(map(len, lines)) >= 200_000:
                break
        (folder / name).write_text("".join(lines))


def train(folder: Path, wiki: Path, output: Path) -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)

    def traces(content: bytes, start: int = 0, share: float = 1.0) -> list:
        return list(trace(content, 9, knowledge="none", start=start, share=share, piece_bytes=1 << 13))

    learned, kept, rows = [], {}, ["held,file,sha256,bytes"]
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        rows.append(f"{path.name in HELD},{path.name},{hashlib.sha256(content).hexdigest()},{len(content)}")
        if path.name in HELD:
            kept[path.name] = traces(content[:100_000])
        else:
            long = path.name.startswith("long-")
            start, share = LONG if long else (0, SHARES.get(path.name, 1.0))
            learned += [only_heard(one) for one in traces(content, start, share)]
    for name, first, end, start, share in WIKI:
        learned += [only_heard(one) for one in traces((wiki / name).read_bytes()[first:end], start, share)]
    name, first, end = HELD_WIKI
    kept[name] = traces((wiki / name).read_bytes()[first:end])
    torch.manual_seed(1)
    net = LstmMixer(UNITS, learned[0].columns, learned[0].context_names, blends=BLENDS)
    settings = MixerSettings(updates=UPDATES, batch=128, evaluate_every=UPDATES)
    MixerTrainer(net, learned, [one for pieces in kept.values() for one in pieces], settings).run()
    export_mixer(net, output, "float32")
    export_mixer(net, output.with_suffix(".int8.safetensors"), "int8")
    for name, pieces in kept.items():
        print(name, *(round(bits, 4) for bits in held_gain(load_mixer(output)[0], pieces, lanes=8)))
    Path(__file__).with_suffix(".csv").write_text("\n".join(rows) + "\n")


if __name__ == "__main__":
    paths = [Path(argument) for argument in sys.argv[2:]]
    gather(*paths) if sys.argv[1] == "gather" else train(*paths)
