# The customer's entity tag: the update is a 412 where somebody has changed the customer since.
etag=$(curl -sS --fail-with-body -I -H "Authorization: Bearer $KEY" "$API/customers/$ID" |
  tr -d '\r' | grep -i '^etag:' | cut -d ' ' -f 2)
curl -sS --fail-with-body -X PATCH -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -H "If-Match: $etag" "$API/customers/$ID" -d '{"creditLimit": 7500.5, "notes": null}'
