<?php
$body = ['email' => 'kitchen@gasthaus.example', 'name' => 'Gasthaus zur Linde', 'creditLimit' => 5000];

$curl = curl_init(getenv('API') . '/customers');
curl_setopt_array($curl, [
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_TIMEOUT => 15,
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer ' . getenv('KEY'),
        'Content-Type: application/json',
        // To try again, send the same key and body: there will be one customer.
        'Idempotency-Key: ' . bin2hex(random_bytes(16)),
    ],
    CURLOPT_POSTFIELDS => json_encode($body),
]);
$answer = curl_exec($curl);
$status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
if ($status !== 201) {
    throw new RuntimeException("$status $answer");
}
$customer = json_decode($answer, true)['data'];
echo $customer['id'], ' ', $customer['email'], "\n";
