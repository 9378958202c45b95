# A machine as the page expects it: PostgreSQL as Debian sets it up, on its own port, for as long as the page is run.
pg=$(mktemp -d /tmp/tokenpair-book-XXXXXX)
trap 'sudo -u postgres pg_ctl stop --silent --mode=immediate --pgdata="$pg/data"; rm -rf "$pg"' EXIT
chown postgres "$pg"
export PGHOST="$pg"
cd "$pg" &&
sudo -u postgres initdb --auth-local=peer --auth-host=scram-sha-256 --encoding=UTF8 --no-locale --pgdata="$pg/data" &&
sudo -u postgres pg_ctl start --wait --pgdata="$pg/data" --log="$pg/log" \
    --options="-c unix_socket_directories=$pg -c listen_addresses=localhost -c port=5432"
started=$?
cd "$OLDPWD"
[ "$started" = 0 ]
