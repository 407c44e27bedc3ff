#!/bin/sh
# The whole suite six times, each time in another environment. Any of them can be named:  tests/everywhere.sh plain locale
#
# PYTHON is the interpreter (.venv/bin/python). `order` needs pytest-randomly in it. `user` runs as nobody and needs
# root; the clone and PYTHON must be readable by everyone.
set -u
cd "$(dirname "$0")/.." || exit 1
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONDONTWRITEBYTECODE=1
work=$(mktemp -d) || exit 1
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

suite() { "$@" "$PYTHON" -m pytest -q -n "${TEST_JOBS:-2}" -p no:cacheprovider -p no:randomly; }

run() {
    echo "everywhere: $1"
    case $1 in
        plain) suite env ;;
        order) "$PYTHON" -m pytest -q -n "${TEST_JOBS:-2}" -p no:cacheprovider -p randomly ;;
        processor) suite env ATEN_CPU_CAPABILITY=default ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell ;;
        folder) mkdir -p "$work/a späce" && suite env TMPDIR="$work/a späce" ;;
        locale) suite env LC_ALL=C LANG=C ;;
        user)
            mkdir -p "$work/nobody" && chmod 777 "$work/nobody"
            suite setpriv --reuid=65534 --regid=65534 --clear-groups env HOME="$work/nobody" TMPDIR="$work/nobody" ;;
        *) echo "everywhere: no environment is named $1" >&2; return 2 ;;
    esac
}

failed=
for name in ${*:-plain order processor folder locale user}; do
    run "$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "everywhere: failed:$failed" >&2; exit 1; }
