# With the ETag of the customer, the update fails with 412 if somebody has changed it since.
etag=$(curl -sS --fail-with-body -I -H "Authorization: Bearer $KEY" "$API/customers/$ID" |
  tr -d '\r' | grep -i '^etag:' | cut -d ' ' -f 2)
curl -sS --fail-with-body -X PATCH "$API/customers/$ID" -d BODY \
  -H "Authorization: Bearer $KEY" \
  -H "Content-Type: application/json" \
  -H "If-Match: $etag"
