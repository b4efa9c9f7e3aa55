#!/bin/sh
# Makes these files anew: a root, an authority below it, and its answers for the digest of 32 bytes of 5A. Takes OpenSSL 3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
cd "$work"
cat > config <<'CONFIG'
[ tsa ]
default_tsa = works
[ works ]
serial = ./serial
signer_cert = ./tsa.pem
certs = ./root.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
crypto_device = builtin
CONFIG
echo 01 > serial
printf 'basicConstraints=CA:FALSE\nextendedKeyUsage=critical,timeStamping\n' > extensions
openssl req -x509 -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -days 3650 -subj '/CN=Root of time' -keyout root.key -out root.pem
openssl req -nodes -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj '/O=Time/CN=Clock 1' -keyout tsa.key -out tsa.csr
openssl x509 -req -in tsa.csr -CA root.pem -CAkey root.key -days 3650 -extfile extensions -out tsa.pem
openssl ts -query -digest "$(printf '5a%.0s' $(seq 32))" -sha256 -cert -out query
openssl ts -reply -config config -queryfile query -out answer.tsr
echo nothing > nonsense
openssl ts -reply -config config -queryfile nonsense -out refused.tsr || test -s refused.tsr
cp root.pem answer.tsr refused.tsr "$here"
rm -r "$work"
