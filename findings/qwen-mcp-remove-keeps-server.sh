#!/usr/bin/env bash
# Qwen Code 0.15.10: `qwen mcp remove` says that it removed a server, and leaves it in the settings.
#
# It does so where another server is configured: the last one goes as it should. The command ends with 0,
# the entry stays in ~/.qwen/settings.json, and the server is started at the next session.
# Here servers "a" and "b" are added and "a" is removed. Both are left. Then "a" is removed from settings
# that have it alone, and it is gone.
# Seen on 2026-11-29 with Node.js on Linux x86_64.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work/home"
mkdir -p "$HOME/project"
npm install --silent --no-audit --no-fund --prefix "$work/npm" @qwen-code/qwen-code@0.15.10
qwen="$work/npm/node_modules/.bin/qwen"
settings="$HOME/.qwen/settings.json"
cd "$HOME/project"

"$qwen" mcp add -s user a /bin/true
"$qwen" mcp add -s user b /bin/true
said=$("$qwen" mcp remove -s user a)
echo "of two servers: $said"
cat "$settings"
[[ "$said" == *'"a" removed'* ]]
grep -q '"a"' "$settings"
grep -q '"b"' "$settings"

rm "$settings"
"$qwen" mcp add -s user a /bin/true
"$qwen" mcp remove -s user a
echo "of one server:"
cat "$settings"
! grep -q '"a"' "$settings"
