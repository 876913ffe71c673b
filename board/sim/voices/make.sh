#!/usr/bin/env bash
# Makes the voices of the town from voices.tsv, at 8 kHz in A-law. Needs espeak-ng and sox; run it
# after a change of a text and commit what it makes.
# No sentence of a customer or an agent may be longer than 3 seconds: whoever listens takes a longer
# one for a recorded prompt (see town/agent.rs).
set -euo pipefail
cd "$(dirname "$0")"

LEVEL_DBFS=-20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# level FILE OUT: speech of one loudness, limited at the peaks; then A-law.
level() {
  have=$(sox "$1" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
  gain=$(awk -v have="$have" -v want="$LEVEL_DBFS" 'BEGIN { print want - have }')
  sox -R -D "$1" -e a-law "$2" gain -l "$gain"
}

# speak VOICE SPEED TEXT OUT. Mandarin takes the voice that reads pinyin: espeak-ng turns characters
# into pinyin first, and its plain `cmn` voice would spell that out as English.
speak() {
  espeak-ng -v "$1" -s "$2" -w "$work/raw.wav" "$3"
  sox -R -D "$work/raw.wav" -r 8000 -c 1 -b 16 -e signed-integer "$work/cut.wav" gain -6 \
    sinc 200-3400 silence 1 0.01 0.5% fade t 0.01 \
    reverse silence 1 0.01 0.5% fade t 0.02 reverse pad 0.02 0.02
  level "$work/cut.wav" "$4"
}

mkdir -p zh en
while IFS=$'\t' read -r name who zh en; do
  case $name in '#'*|'') continue ;; esac
  # a: a customer; b: a recording; c: an agent
  case $who in a) timbre=m3 ;; b) timbre=f3 ;; *) timbre=f4 ;; esac
  speak "cmn-latn-pinyin+$timbre" 190 "$zh" "zh/$name.wav"
  speak "en-us+$timbre" 170 "$en" "en/$name.wav"
done < voices.tsv
