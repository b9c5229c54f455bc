# A JVM: monitors, executors, parallel streams, the garbage collector.
. "$HERE/lib.sh"
need java
cp "$HERE/Program.java" .
under java -Xmx256m Program.java
echo "status $?"
