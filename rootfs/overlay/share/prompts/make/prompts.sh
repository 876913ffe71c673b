#!/usr/bin/env bash
# Makes every voice prompt from prompts.tsv, and the sounds without words, at 8 kHz, 16 bit, mono.
# Needs espeak-ng, sox and python3; run it after a change of a text and commit what it makes.
# Speech is set to one loudness (-18 dBFS RMS, limited at the peaks), so that no prompt is louder
# than the person who speaks after it.
set -euo pipefail
cd "$(dirname "$0")"

LEVEL_DBFS=-18
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# rms FILE: its level in dBFS.
rms() { sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }'; }

# level IN OUT: two passes, because the limiter takes a little away.
level() {
  cp "$1" "$work/a.wav"
  for _ in 1 2 3; do
    gain=$(awk -v have="$(rms "$work/a.wav")" -v want="$LEVEL_DBFS" 'BEGIN { print want - have }')
    sox -R -D "$work/a.wav" "$work/b.wav" gain -l "$gain"
    mv "$work/b.wav" "$work/a.wav"
  done
  mv "$work/a.wav" "$2"
}

# speak VOICE SPEED TEXT OUT. Mandarin takes the voice that reads pinyin: espeak-ng turns characters
# into pinyin first, and its plain `cmn` voice would spell that out as English.
speak() {
  espeak-ng -v "$1" -s "$2" -w "$work/raw.wav" "$3"
  # Silence cut at both ends, the telephone's band, short fades against clicks.
  sox -R -D "$work/raw.wav" -r 8000 -c 1 -b 16 -e signed-integer "$work/cut.wav" gain -6 \
    sinc 200-3400 silence 1 0.01 0.5% fade t 0.01 \
    reverse silence 1 0.01 0.5% fade t 0.02 reverse pad 0.05 0.15
  level "$work/cut.wav" "$4"
}

mkdir -p ../zh ../en
while IFS=$'\t' read -r name zh en; do
  case $name in '#'*|'') continue ;; esac
  speak cmn-latn-pinyin+f2 170 "$zh" "../zh/$name.wav"
  speak en-us+f2 155 "$en" "../en/$name.wav"
done < prompts.tsv

python3 sounds.py ..
