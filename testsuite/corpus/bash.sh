# Shell scripts that fork a lot: no record, no noise, no time lost.
. "$HERE/lib.sh"
cat >script <<'END'
n=0
for i in $(seq 60); do n=$((n + $(echo "$i" | sed 's/$/1/' | tr -d 2 | wc -c))); done
echo "$n"
find /usr/share/doc -maxdepth 1 -name 'a*' | sort | head -n 3 | xargs -n1 basename
(exit 3)
echo "$?"
coproc cat
echo through >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
echo "$line"
trap 'echo trapped' USR1
kill -USR1 $$
for i in 1 2 3; do sleep 0.01 & done
eval "exec ${COPROC[1]}>&-"
wait
END
under bash script
echo "status $?"
