#!/bin/sh
# Every format, of the golden report and of one full of nasty names, before somebody else's eyes: JSON Schema, the official SARIF schema, Jenkins' JUnit
# schema, Graphviz, Chromium, and Microsoft's SARIF validator where it is installed.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
: "${BUILD:=build}"
case $BUILD in /*) ;; *) BUILD=$root/$BUILD ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$root"
python=/usr/bin/python3
bad=0
complain() { echo "rep_formats: $*" >&2; bad=1; }

scripts/embed-html --check || bad=1
# shellcheck disable=SC2046 # object files have no blanks in their names
${CC:-cc} -std=gnu11 -O1 -g -Ianalyzer -Ipreload -Ipreload/format -o "$work/hostile" testsuite/unit/rep_hostile.c \
    $(find "$BUILD/analyzer" -name '*.o' ! -name main.o) -ldw -lelf -lm
timeout 60 "$work/hostile" "$work" || complain "a nasty name got through"
for format in text json sarif junit github html dot; do cp "testsuite/golden/bank.$format" "testsuite/golden/stored.$format" "$work/"; done

for name in bank stored hostile; do
    for format in json sarif junit github html; do
        timeout 60 $python testsuite/unit/rep_validate.py $format "$work/$name.$format" || complain "$name.$format is not valid"
    done
    timeout 60 $python testsuite/unit/rep_validate.py trace "$work/$name" || complain "$name: not every finding is in every format"
    timeout 60 xmllint --noout --schema testsuite/schemas/jenkins-junit.xsd "$work/$name.junit" 2>"$work/said" || { head -5 "$work/said"; complain "$name.junit is not what Jenkins reads"; }
    # Microsoft's validator, where it is installed, with the rules of the specification and of GitHub's code scanning.
    if command -v Sarif.Multitool >/dev/null; then
        timeout 60 Sarif.Multitool validate "$work/$name.sarif" --rule-kind "Sarif;Ghas" >"$work/said" 2>&1 || complain "$name.sarif: the validator failed"
        if grep -E ": (error|warning) " "$work/said" | grep -v SARIF2005; then # SARIF2005: there is no home page
            complain "$name.sarif: the validator has something to say"
        fi
    fi
    if command -v dot >/dev/null; then
        timeout 60 dot -Tsvg -o /dev/null "$work/$name.dot" || complain "$name.dot is no DOT"
    fi
done

timeout 60 $python testsuite/unit/rep_validate.py html "$work/hostile.many.html" || complain "hostile.many.html is not valid"
# The browser must load the page without a word on its console: no error, nothing refused by the content policy.
if command -v chromium >/dev/null; then
    timeout 300 testsuite/unit/rep_browser.py "$work/bank.html" "$work/hostile.html" "$work/hostile.many.html" "$work/stored.html" || complain "a page in the browser"
fi
exit $bad
