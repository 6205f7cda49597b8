step=secrets
command -v python3 > /dev/null || install python3
cat > "$opt/fetch_secrets.py" <<'MUSTER_FETCH' || fail "can't write what fetches secrets"
@FETCH@
MUSTER_FETCH
cat > "$etc/secrets.json" <<'MUSTER_FILE' || fail "can't write the references to secrets"
@PIECES@
MUSTER_FILE
fetched=$(as_agents python3 "$opt/fetch_secrets.py" "$etc" 2>&1) || fail "$fetched"
