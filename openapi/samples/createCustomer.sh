body=BODY
# Derived from the body, so running this again creates no second customer.
key=$(printf %s "$body" | openssl dgst -sha256 -r | cut -c 1-64)
curl -sS --fail-with-body "$API/customers" -d "$body" \
  -H "Authorization: Bearer $KEY" \
  -H "Content-Type: application/json" \
  -H "Idempotency-Key: $key"
