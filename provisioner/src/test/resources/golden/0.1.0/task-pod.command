/bin/sh
%%
-c
%%
umask 077
boot="${MUSTER_ROOT:-/muster/work}/boot.sh"
if printf %s "$MUSTER_BOOT" | base64 -d 2> /dev/null | gzip -dc > "$boot" 2> /dev/null && [ -s "$boot" ]; then :
elif python3 -c 'import base64, os, sys, zlib; sys.stdout.buffer.write(zlib.decompress(base64.b64decode(os.environ["MUSTER_BOOT"]), 31))' > "$boot"; then :
else echo "MUSTER-BOOT-FAILED step=unpack reason=the image has neither base64 and gzip nor python3, or nothing can be written to $boot"; exit 78
fi
unset MUSTER_BOOT
exec /bin/sh "$boot" "$1"

%%
muster
%%
task