#!/usr/bin/env bash
# Makes an authority and the certificates of all parts with openssl, where there is no cert-manager, as Secrets:
#
#     manifests/certificates/files/make.sh FOLDER | kubectl apply -f -
#
# FOLDER keeps the authority, ca.key and ca.crt, which a later run takes up: run it again before the certificates end, and
# keep ca.key from everybody, since whoever has it can be any part. DAYS (365 by default) says how long certificates hold.
set -euo pipefail

folder=${1:?expected a folder for the authority and the certificates}
days=${DAYS:-365}
umask 077
mkdir -p "$folder"

key() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1"; }

if [[ ! -e $folder/ca.key ]]; then
  key "$folder/ca.key"
  openssl req -x509 -new -key "$folder/ca.key" -sha256 -days 3650 -subj /CN=tonari-authority \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -out "$folder/ca.crt"
fi

# certificate NAME USAGES DNS-NAME…: makes NAME.key and NAME.crt and prints the Secret NAME-tls.
certificate() {
  local name=$1 usages=$2 names
  shift 2
  printf -v names 'DNS:%s,' "$@"
  key "$folder/$name.key"
  openssl req -new -key "$folder/$name.key" -subj "/CN=$name" -out "$folder/$name.csr"
  openssl x509 -req -in "$folder/$name.csr" -CA "$folder/ca.crt" -CAkey "$folder/ca.key" -CAcreateserial -sha256 \
    -days "$days" -out "$folder/$name.crt" -extfile <(
      echo "basicConstraints=critical,CA:FALSE"
      echo "keyUsage=critical,digitalSignature"
      echo "extendedKeyUsage=$usages"
      echo "subjectAltName=${names%,}"
    ) 2>/dev/null
  rm "$folder/$name.csr"
  cat <<SECRET
---
apiVersion: v1
kind: Secret
metadata:
  name: $name-tls
  namespace: tonari
  labels: {app.kubernetes.io/name: tonari}
type: kubernetes.io/tls
data:
  ca.crt: $(base64 -w 0 "$folder/ca.crt")
  tls.crt: $(base64 -w 0 "$folder/$name.crt")
  tls.key: $(base64 -w 0 "$folder/$name.key")
SECRET
}

# The names are those of certificates/cert-manager.
certificate tonari-extender serverAuth tonari-extender tonari-extender.tonari.svc
certificate tonari-scheduler clientAuth tonari-scheduler.tonari.svc
certificate tonari-selector serverAuth,clientAuth \
  tonari-selector tonari-selector.tonari.svc tonari-selector-peers.tonari.svc
