<?php
$customer = BODY;
$body = json_encode($customer);

$curl = curl_init(getenv('API') . '/customers');
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 15,
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer ' . getenv('KEY'),
        'Content-Type: application/json',
        // Derived from the body, so running this again creates no second customer.
        'Idempotency-Key: ' . hash('sha256', $body),
    ],
    CURLOPT_POSTFIELDS => $body,
]);
$response = curl_exec($curl);
$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
if ($status !== 201) {
    throw new RuntimeException("$status $response");
}
$created = json_decode($response, true)['data'];
echo $created['id'], ' ', $created['email'], "\n";
