# The first page and the next.
page=$(curl -sS --fail-with-body -H "Authorization: Bearer $KEY" "$API/customers?limit=2&status=ACTIVE")
echo "$page"
cursor=$(echo "$page" | grep -o '"nextCursor":"[^"]*"' | cut -d '"' -f 4)
if [ -n "$cursor" ]; then
  curl -sS --fail-with-body -H "Authorization: Bearer $KEY" \
    "$API/customers?limit=2&status=ACTIVE&cursor=$cursor"
fi
