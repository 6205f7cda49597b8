#!/bin/sh
# Makes a base for Muster's images out of what a Debian or Ubuntu has: a Java runtime of the JDK at hand with the modules of modules.txt, and the
# distribution's packages that it is linked to. No image registry, no container engine and no root is needed.
#   usage: base.sh FOLDER     leaves FOLDER/base.tar, as `docker save` writes it
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
folder=${1:?usage: base.sh FOLDER}
# When its files were last changed, as they say: the same for everybody.
time=1767225600

fail() {
    echo "base.sh: $1" >&2
    echo "base.sh: or name another base: -Dmuster.image.base=IMAGE@sha256:..." >&2
    exit 1
}
for tool in apt-get dpkg dpkg-deb dpkg-query ldd sha256sum tar; do
    command -v "$tool" >/dev/null || fail "there is no $tool here, and this base is made of a Debian's packages"
done
if [ -n "${JAVA_HOME:-}" ]; then
    jdk=$JAVA_HOME
else
    java=$(command -v java) || fail "no Java found: install a JDK, 17 or newer, or set JAVA_HOME to one"
    jdk=$(dirname "$(dirname "$(readlink -f "$java")")")
fi
[ -x "$jdk/bin/jlink" ] && [ -d "$jdk/jmods" ] || fail "$jdk has no jlink with modules: set JAVA_HOME to a JDK"

mkdir -p "$folder"
folder=$(CDPATH='' cd -- "$folder" && pwd)
# What it is made of; the packages' versions are those of the day.
of=$(cat "$jdk/release" "$here/modules.txt" "$here/base.sh" /etc/os-release | sha256sum | cut -d ' ' -f 1)
if [ -e "$folder/base.tar" ] && [ "$(cat "$folder/base.of" 2>/dev/null)" = "$of" ]; then
    exit 0
fi
root=$folder/base-root
rm -rf "$root" "$folder/base-packages" "$folder/base-image" "$folder/base.of"
mkdir -p "$root/opt" "$folder/base-packages" "$folder/base-image"

modules=$(sed '/^#/d' "$here/modules.txt" | tr '\n' ',' | sed 's/,$//')
# Nothing is drawn: of the module with beans and graphics stays what is of Java alone, which saves the window system's libraries.
"$jdk/bin/jlink" --add-modules "$modules" --no-header-files --no-man-pages --exclude-files '/java.desktop/lib/**' --output "$root/opt/java"
# Some distributions keep these beside the JDK, with links to them in its place.
for file in lib/security/cacerts lib/security/blocked.certs lib/security/default.policy lib/security/public_suffix_list.dat; do
    if [ -e "$jdk/$file" ]; then
        mkdir -p "$root/opt/java/${file%/*}"
        cp -L --remove-destination "$jdk/$file" "$root/opt/java/$file"
        chmod 644 "$root/opt/java/$file"
    fi
done

# The libraries that the runtime's files are linked to, their packages, and those that all of them stand on.
libraries=$(find "$root/opt/java" -type f \( -name '*.so' -o -path '*/bin/*' \) -exec ldd {} + 2>/dev/null |
    sed -n 's/^.*=> \(\/[^ ]*\) (0x.*$/\1/p; s/^[[:space:]]*\(\/[^ ]*ld-[^ ]*\) (0x.*$/\1/p' | grep -v "^$root" | sort -u)
packages=
for library in $libraries; do
    # What /lib links to may be known by either name.
    package=$(dpkg-query -S "$library" 2>/dev/null || dpkg-query -S "$(readlink -f "$library")" 2>/dev/null || dpkg-query -S "/usr$library" 2>/dev/null) ||
        fail "$library is of no package"
    packages="$packages ${package%%:*}"
done
packages=$(printf '%s\n' $packages | sort -u)
echo "base.sh: Java runtime $(sed -n 's/^JAVA_VERSION="\(.*\)"/\1/p' "$root/opt/java/release") and" $packages
(cd "$folder/base-packages" && apt-get -q download $packages >download.log 2>&1) || {
    tail -n 3 "$folder/base-packages/download.log" >&2
    fail "the packages can't be had: is 'apt-get update' to be run first?"
}
mkdir -p "$root/var/lib/dpkg/status.d"
for package in "$folder"/base-packages/*.deb; do
    dpkg-deb -x "$package" "$root"
    # As scanners of images look for them.
    dpkg-deb -f "$package" >"$root/var/lib/dpkg/status.d/$(dpkg-deb -f "$package" Package)"
done
# Character sets, translations and manuals of the C library: Java has its own.
rm -rf "$root"/usr/lib/*/gconv "$root"/usr/lib/*/audit "$root/usr/share/locale" "$root/usr/share/man" "$root/usr/share/lintian" "$root/usr/share/gdb"
find "$root/usr/share/doc" -type f ! -name copyright -delete

mkdir -p "$root/etc" "$root/tmp" "$root/proc" "$root/sys" "$root/dev" "$root/app"
cp -L /etc/os-release "$root/etc/os-release"
echo 'root:x:0:0:root:/:/nonexistent
muster:x:10001:10001:muster:/tmp:/nonexistent' >"$root/etc/passwd"
echo 'root:x:0:
muster:x:10001:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
find "$root" -type d -exec chmod 755 {} +
chmod 1777 "$root/tmp"

tar -C "$root" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$time" -cf "$folder/base-image/layer.tar" .
layer=$(sha256sum "$folder/base-image/layer.tar" | cut -d ' ' -f 1)
created=$(date -u -d "@$time" +%Y-%m-%dT%H:%M:%SZ)
cat >"$folder/base-image/config.json" <<END
{"architecture":"$(dpkg --print-architecture)","os":"linux","created":"$created",
 "config":{"Env":["PATH=/opt/java/bin:/usr/bin:/bin","JAVA_HOME=/opt/java","LANG=C.UTF-8"],"WorkingDir":"/"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$layer"]},"history":[{"created":"$created","created_by":"deploy/packaging/base.sh"}]}
END
echo '[{"Config":"config.json","RepoTags":["muster/base:latest"],"Layers":["layer.tar"]}]' >"$folder/base-image/manifest.json"
tar -C "$folder/base-image" --sort=name --format=gnu --owner=0 --group=0 --numeric-owner --mtime="@$time" -cf "$folder/base.tar" manifest.json config.json layer.tar
rm -rf "$folder/base-image" "$root" "$folder/base-packages"
echo "$of" >"$folder/base.of"
