# Sourced by tests that look at a command from the outside: they close on "$passed passed, $failed failed".
passed=0 failed=0

# expect NAME STATUS COMMAND...: runs it, its output in the files stdout and stderr
expect() {
    local name=$1 want=$2
    shift 2
    timeout 30 "$@" >stdout 2>stderr </dev/null
    local got=$?
    if [ $got = "$want" ]; then passed=$((passed + 1)); else
        echo "FAIL $name: status $got in place of $want"; head -n 8 stdout stderr; failed=$((failed + 1)); fi
}
# says FILE TEXT; matches FILE PATTERN (extended); silent FILE
says() { if grep -qF -- "$2" "$1"; then passed=$((passed + 1)); else echo "FAIL: no \"$2\" in $1:"; head -n 20 "$1"; failed=$((failed + 1)); fi; }
matches() { if grep -qE -- "$2" "$1"; then passed=$((passed + 1)); else echo "FAIL: nothing like \"$2\" in $1:"; head -n 20 "$1"; failed=$((failed + 1)); fi; }
silent() { if [ ! -s "$1" ]; then passed=$((passed + 1)); else echo "FAIL: $1 is not empty:"; head -n 8 "$1"; failed=$((failed + 1)); fi; }
