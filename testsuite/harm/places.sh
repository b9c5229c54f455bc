# chdir, chroot, a directory that cannot be written, and a symbolic link that waits under the record's name.
. "$HERE/lib.sh"
program odd
both "$BUILD/harm/odd" chdir
both "$BUILD/harm/odd" chroot
readable 2
if [ "$(id -u)" = 0 ]; then
    chmod 755 "$WORK" && mkdir shut && chmod 555 shut && chmod 755 .
    cat >as_nobody.sh <<END
cd $WORK/shut
LD_PRELOAD=$BUILD/libtwatch.so exec $WORK/odd chdir
END
    cp "$BUILD/harm/odd" .
    if out=$(setpriv --reuid=65534 --regid=65534 --clear-groups bash as_nobody.sh 2>denied.err); then
        [ "$out" = "chdir: 800 rounds" ] || die "unwritable directory: $out"
        grep -qi twatch denied.err || die "nothing was said about a record that could not be written"
    elif ! setpriv --reuid=65534 --regid=65534 --clear-groups test -r "$BUILD/libtwatch.so"; then
        : # the build directory is not for everyone to read: nothing to test here
    else
        die "unwritable directory: status $?: $(cat denied.err)"
    fi
fi
# Names are tried for the next two thousand process ids; the victim must not be touched, nor the record go through the link.
mkdir trap && cd trap || exit 1
echo untouched >victim
cat >plant.sh <<END
ln -s $PWD/victim odd.\$\$.twatch
LD_PRELOAD=$BUILD/libtwatch.so exec $BUILD/harm/odd chdir
END
bash plant.sh >out 2>err || die "with a planted link: $(cat err)"
[ "$(cat victim)" = untouched ] || die "wrote through a planted link"
cd ..
