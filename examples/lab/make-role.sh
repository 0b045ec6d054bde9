#!/bin/sh
# Makes the role that serves, when the database of compose.yaml is made. It owns nothing.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$SERVICE_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
CREATE ROLE uniqc_lab LOGIN PASSWORD :'password';
SQL
