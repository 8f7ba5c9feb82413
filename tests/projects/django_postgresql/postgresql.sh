# Debian's PostgreSQL with an empty database, in the foreground until TERM ends it.
set -eu
cd "$PYSTATIC_SERVICE_FOLDER"
bin=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort --version-sort | tail -n 1)

as_user=
if [ "$(id -u)" = 0 ]; then
    # It refuses to be run by root. Who becomes another user must ask again to be ended with what started it.
    chown postgres .
    as_user="setpriv --reuid=postgres --regid=postgres --init-groups --pdeathsig=INT"
fi
$as_user "$bin/initdb" --pgdata=data --username=bookshop --auth=trust --encoding=UTF8 --locale=C --no-sync
echo "CREATE DATABASE bookshop" | $as_user "$bin/postgres" --single -D data postgres
exec $as_user "$bin/postgres" -D data -h 127.0.0.1 -p "$PYSTATIC_SERVICE_PORT" -k "$PYSTATIC_SERVICE_FOLDER" -F
