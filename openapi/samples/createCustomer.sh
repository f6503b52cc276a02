# To try again, send the same key and body: there will be one customer.
curl -sS --fail-with-body -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" \
  -H "Idempotency-Key: 5a5f3e0e-8f0e-4f0b-9a51-0c1d2e3f4a5b" "$API/customers" \
  -d '{"email": "kitchen@gasthaus.example", "name": "Gasthaus zur Linde", "creditLimit": 5000}'
