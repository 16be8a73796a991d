#!/bin/bash
# How the networks of docs/LSTM.md, "Gates and matches", were trained: in an empty folder, with the
# texts' folder as the argument. About ten minutes of one core. The rows are in the .csv beside this;
# a file's card has the digests of the texts.
set -e
mkdir texts
# Every fifth novel, sixteenth classic and twentieth piece of encyclopedia, and one more novel and
# piece: these two are held out by their names. 24 files.
for part in books/novels_txt:5 books/classics_md:16 wiki/enwiki_text:20; do
    find "$1/${part%:*}" -type f | LC_ALL=C sort | awk "NR % ${part#*:} == 1" | xargs -d '\n' ln -s -t texts
done
ln -sf "$1/books/novels_txt/Doyle_Hound_1902.txt" "$1/wiki/enwiki_text/AD_wiki_99.txt" texts
for seed in 1 2; do
    for arm in "three --hidden 128" "four --hidden 106 --gates 4" \
        "three-match --hidden 128 --match" "four-match --hidden 106 --gates 4 --match"; do
        read -r name options <<< "$arm"
        # shellcheck disable=SC2086
        foretold train bytelm --from texts --cache cache -o "$name-$seed.safetensors" --layers 1 $options \
            --batch 32 --steps 64 --updates 1000 --lr 4e-3 --seed $seed -T 1 --device cpu --no-compile
    done
done
