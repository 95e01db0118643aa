#!/bin/sh
# Fetches the tools of others that the interchange tests check our files with:
#   speedscope.schema.json  speedscope's own schema of its files, from npm
#   profile.proto           pprof's public definition, from Debian
#   pprof                   Go's pprof, from Debian
#   promtool                Prometheus' checker of rules and queries, from Debian
# They are test tools only: nothing of them is in this repository or in the wheel.
#
#   sh scripts/interchange-tools.sh [DIR]     DIR: build/interchange-tools
set -eu

target=${1:-build/interchange-tools}
mkdir -p "$target"
target=$(cd "$target" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

npm pack --silent speedscope@1.25.0 >/dev/null
tar -xzf speedscope-*.tgz
cp package/dist/release/file-format-schema.json "$target/speedscope.schema.json"

go=$(apt-cache depends golang-go | awk '/Depends: golang-[0-9.]+-go/ {print $2; exit}')
apt-get download -qq "$go" golang-github-google-pprof-dev prometheus
for package in ./*.deb; do dpkg -x "$package" debian; done
cp debian/usr/share/gocode/src/github.com/google/pprof/proto/profile.proto "$target/"
cp debian/usr/bin/promtool "$target/promtool"
cp debian/usr/lib/go-*/pkg/tool/*/pprof "$target/pprof"
ls "$target"
