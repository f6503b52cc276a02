curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/customers/$ID"
