#!/bin/sh
# Installs what is missing to run (or, with `test`, to test) the system on Debian 12 or Ubuntu 24.04, as root or
# through sudo. With nothing to do it ends within a second. Elsewhere it says what to install.
#
#   deploy/bootstrap.sh [run|test|test-all]
#
# `test-all` brings Debian's own servers as well, with which the system is tried; none of them is started.
#
# Package indexes, mirrors and certificates are those the machine is configured with (apt, pip).
set -eu
cd "$(dirname "$0")/.."

purpose=${1:-run}
stamp=.venv/.bootstrapped
say() { printf '%s\n' "bootstrap: $*" >&2; }
fail() { say "$*"; exit 1; }

# One step: what it is, then its command. Where it fails, one line says why, and the log holds the rest.
log=var/log/bootstrap.log
step() {
    what=$1
    shift
    mkdir -p "${log%/*}"
    printf -- '-- %s\n' "$what" >>"$log"
    said=$(wc -l <"$log")
    "$@" >>"$log" 2>&1 || {
        tail -n "+$((said + 1))" "$log" >"$log.part"
        why=$(grep -iE '^ *(e:|error|fatal|[a-z.]*error:)' "$log.part" | tail -n 1)
        [ -n "$why" ] || why=$(grep -v '^ *$' "$log.part" | tail -n 1)
        rm -f "$log.part"
        fail "$what failed: ${why:-no output} (log: $log)"
    }
}

# ---- what the machine must have ------------------------------------------------------------------------------

# The system's interpreter, before anything that a version manager put on PATH.
find_python() {
    for candidate in /usr/bin/python3 "$(command -v python3 || true)"; do
        if [ -x "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

has_library() { /sbin/ldconfig -p 2>/dev/null | grep -q "$1"; }
has_font() { command -v fc-list >/dev/null 2>&1 && fc-list --format '%{file}\n' 2>/dev/null | grep -q "/$1\$"; }

# Chromium without its windows costs less than half of a whole one's CPU: that is what Debian brings the tests.
find_chromium() {
    for candidate in "${GM_CHROMIUM:-}" "$(command -v chromium-headless-shell || true)" "$(command -v google-chrome || true)"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

missing_packages() {
    python=$(find_python)
    [ -n "$python" ] || printf 'python3 '
    { [ -n "$python" ] && "$python" -c 'import ensurepip, venv' 2>/dev/null; } || printf 'python3-venv '
    has_library libpango-1.0.so.0 || printf 'libpango-1.0-0 '
    has_library libpangoft2-1.0.so.0 || printf 'libpangoft2-1.0-0 '
    has_library libharfbuzz-subset.so.0 || printf 'libharfbuzz-subset0 '
    command -v fc-list >/dev/null 2>&1 || printf 'fontconfig '
    # Noto CJK, and what stands behind it for signs, other scripts and the rarest ideographs.
    has_font NotoSansCJK-Regular.ttc || printf 'fonts-noto-cjk '
    has_font NotoSansSymbols2-Regular.ttf || printf 'fonts-noto-core '
    has_font Symbola_hint.ttf || printf 'fonts-symbola '
    has_font HanaMinB.ttf || printf 'fonts-hanazono '
    has_font BabelStoneHan.ttf || printf 'fonts-babelstone-han '
    [ -d /etc/ssl/certs ] || printf 'ca-certificates '
    [ "$(id -u)" != 0 ] || command -v useradd >/dev/null 2>&1 || printf 'passwd '
    [ "$purpose" != run ] || return 0
    # What drives the browser needs it, and a minimal system has it not.
    has_library libatomic.so.1 || printf 'libatomic1 '
    [ -n "$(find_chromium)" ] || printf 'chromium-headless-shell '
    # A gateway whose clock is wrong.
    ls /usr/lib/*/faketime/libfaketime.so.1 >/dev/null 2>&1 || printf 'libfaketime '
    [ "$purpose" = test-all ] || return 0
    # The servers of a production.
    ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || printf 'postgresql '
    command -v pgbackrest >/dev/null 2>&1 || printf 'pgbackrest '
    [ -x /usr/sbin/pgbouncer ] || printf 'pgbouncer '
    command -v redis-server >/dev/null 2>&1 || printf 'redis-server '
    [ -x /usr/sbin/rabbitmq-server ] || printf 'rabbitmq-server '
    [ -x /usr/sbin/clamd ] || printf 'clamav-daemon '
    # Another browser's engine; Ubuntu's package is a door to a snap.
    { command -v firefox-esr || command -v firefox || ! grep -q '^ID=debian' /etc/os-release; } >/dev/null 2>&1 || printf 'firefox-esr '
    # And Safari's, by WebKitGTK, which needs a display.
    { { command -v WebKitWebDriver && command -v Xvfb; } || ! grep -q '^ID=debian' /etc/os-release; } >/dev/null 2>&1 || printf 'webkit2gtk-driver xvfb '
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        fail "root or sudo is needed for: $*"
    fi
}

install_packages() {
    # shellcheck disable=SC1091
    system=$(. /etc/os-release 2>/dev/null && printf '%s-%s' "${ID:-}" "${VERSION_ID:-}" || true)
    case "$system" in
        debian-12 | ubuntu-24.04) ;;
        *) fail "on this system (${system:-unknown}) please install what Debian calls: $*" ;;
    esac
    case "$system $*" in
        # Ubuntu's package is a door to a snap, which a headless machine cannot open.
        ubuntu*chromium*) fail "set GM_CHROMIUM to the path of a Chromium or Chrome; the tests need a browser" ;;
    esac
    say "installing $*"
    step "reading the package lists" as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    # A server that a package brings is not to be started, nor kept by the machine.
    policy=/usr/sbin/policy-rc.d
    if [ "$purpose" != test-all ] || [ -e "$policy" ]; then policy=; fi
    if [ -n "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod +x "$policy"
        # shellcheck disable=SC2064
        trap "as_root rm -f '$policy'" EXIT
    fi
    # shellcheck disable=SC2086
    step "installing $*" as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $*
    if [ -n "$policy" ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
}

# A program that checks, out of a package that would bring and start a server: its name, the package.
fetch_tool() {
    if command -v "$1" >/dev/null 2>&1 || [ -x ".tools/bin/$1" ]; then return 0; fi
    folder=$(mktemp -d)
    chmod 755 "$folder"
    { (cd "$folder" && apt-get download -qq "$2" >/dev/null 2>&1) ||
        { as_root apt-get update -qq && (cd "$folder" && apt-get download -qq "$2" >/dev/null 2>&1); }; } &&
        dpkg-deb -x "$folder/$2"_*.deb "$folder/x" && mkdir -p .tools/bin &&
        mv "$folder/x/usr/bin/$1" ".tools/bin/$1" ||
        say "no $1 here: alert rules, routes and dashboards are not checked"
    rm -rf "$folder"
}

missing=$(missing_packages)
[ -z "$missing" ] || install_packages "$missing"
if [ "$purpose" != run ]; then
    fetch_tool promtool prometheus
    fetch_tool amtool prometheus-alertmanager
fi
python=$(find_python)
[ -n "$python" ] || fail "Python 3.11 or newer is needed"

# Checkers of the field that are no Python: asked where Node and Java are.
if [ "$purpose" = test-all ] && command -v npm >/dev/null 2>&1 && command -v java >/dev/null 2>&1 &&
    [ ! -x .tools/node/node_modules/.bin/lighthouse ]; then
    mkdir -p .tools/node
    npm install --prefix .tools/node --no-save --silent --no-fund --no-audit \
        @stoplight/spectral-cli@6.16.3 lighthouse@12.8.2 vnu-jar@26.9.27 >/dev/null ||
        say "npm cannot be reached: Spectral, Lighthouse and the Nu HTML checker are not asked"
fi

# One that is Python, apart from the project's libraries: it reads PDFs aloud.
if [ "$purpose" = test-all ] && [ ! -x .tools/outloud/bin/outloud ]; then
    say "installing outloud"
    { "$python" -m venv .tools/outloud &&
        .tools/outloud/bin/pip install --quiet --disable-pip-version-check outloud==0.2.1 >/dev/null 2>&1; } || {
        rm -rf .tools/outloud
        say "no outloud here: documents are not read aloud"
    }
fi

# ---- what the project itself needs ---------------------------------------------------------------------------

# Who runs the system needs no tools of tests; where those are, they stay.
have=$(cat "$stamp" 2>/dev/null || true)
kind=test
groups=
case "$purpose $have" in
    "run test-"*) ;;
    "run "*) kind=run groups=--no-default-groups ;;
esac
wanted=$kind-$(cat uv.lock pyproject.toml deploy/bootstrap.sh services/documents/fonts.py services/documents/subsetter.py services/documents/characters.py | sha256sum | cut -d ' ' -f 1)-$python
[ "$have" != "$wanted" ] || [ ! -x .venv/bin/python ] || exit 0

# Shared by all clones of a user, as are uv's wheels and the compact fonts.
kept=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/gongmei/uv-$(sed -n 's/.*"uv==\([0-9.]*\)".*/\1/p' deploy/Dockerfile)

find_uv() {
    for candidate in "$(command -v uv || true)" "$kept"; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then
            printf '%s\n' "$candidate"
            return
        fi
    done
}

uv=$(find_uv)
if [ -z "$uv" ]; then
    say "installing uv"
    step "making an environment for uv" "$python" -m venv .tools
    step "installing uv" .tools/bin/pip install --quiet --disable-pip-version-check "uv==${kept##*-}"
    mkdir -p "${kept%/*}"
    # At once or not at all: another clone may be looking.
    cp .tools/bin/uv "$kept.$$"
    mv "$kept.$$" "$kept"
    uv=$kept
fi

# uv does not read pip's configuration, which is where machines keep their mirror.
index=$("$python" -m pip config get global.index-url 2>/dev/null || printf '%s' "${PIP_INDEX_URL:-}")
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_SYSTEM_CERTS=true
[ -e .venv/bin/python ] && [ "$(printf '%s' "$have" | sed 's/^[^-]*-[^-]*-//')" = "$python" ] || rm -rf .venv

# What the interpreter makes of the libraries is kept beside them: making it is most of what a clone costs. It names the folder it
# was made in, which the interpreter puts right; it counts as long as its source has the same time, which the same link has.
compiled=${kept%/*}/compiled-$kind-$({ cat uv.lock && "$python" -VV; } | sha256sum | cut -c 1-16)
compile=--compile-bytecode
[ ! -d "$compiled" ] || compile=

say "installing the project's libraries"
# shellcheck disable=SC2086
if [ -z "$index" ]; then
    step "installing the project's libraries" "$uv" sync --quiet --frozen --all-extras $groups --python "$python" $compile
else
    # The lock names PyPI's own addresses; the same versions and hashes come from the mirror this way.
    step "making the project's environment" "$uv" venv --quiet --python "$python" --allow-existing .venv
    step "reading uv.lock" "$uv" export --quiet --frozen --all-extras $groups --no-emit-project --output-file .venv/requirements.txt
    step "installing the project's libraries" env VIRTUAL_ENV=.venv "$uv" pip sync --quiet $compile --default-index "$index" --require-hashes .venv/requirements.txt
fi
libraries=$(echo .venv/lib/python3*/site-packages)
if [ -z "$compile" ]; then
    # Elsewhere than on the cache's disk it cannot be linked, and is made anew.
    cp -alf "$compiled/." "$libraries/" 2>/dev/null || true
    .venv/bin/python -m compileall -q "$libraries" >/dev/null || true
else
    mkdir -p "${kept%/*}"
    find "${kept%/*}" -maxdepth 1 -name 'compiled-*' -mtime +30 -exec rm -rf {} +
    part=$compiled.$$
    mkdir "$part"
    { (cd "$libraries" && find . -name __pycache__ -print0 | xargs -0 cp -al --parents -t "$part") 2>/dev/null &&
        mv -T "$part" "$compiled" 2>/dev/null; } || rm -rf "$part"
fi
say "cutting compact fonts out of Noto CJK"
step "cutting compact fonts" .venv/bin/python -m services.documents.fonts
printf '%s' "$wanted" >"$stamp"
