#!/bin/sh
# Makes the certificates that the tests of TLS to PostgreSQL use. Nothing else trusts them, and they last a century.
set -e
cd "$(dirname "$0")"
for ca in ca other-ca; do
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -keyout "$ca.key" -out "$ca.pem" \
        -subj "/CN=tokenpair test $ca" -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
done
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout server.key -out server.csr -subj "/CN=localhost"
printf 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\nextendedKeyUsage=serverAuth\n' > server.ext
openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 36500 -out server.pem -extfile server.ext
rm ./*.csr ./*.ext ./*.srl ca.key other-ca.key
