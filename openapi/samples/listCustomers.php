<?php
$query = ['status' => 'ACTIVE', 'limit' => 100];

// All pages, one after another.
do {
    $curl = curl_init(getenv('API') . '/customers?' . http_build_query($query));
    curl_setopt_array($curl, [
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 15,
        CURLOPT_HTTPHEADER => ['Authorization: Bearer ' . getenv('KEY')],
    ]);
    $response = curl_exec($curl);
    $status = curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
    if ($status !== 200) {
        throw new RuntimeException("$status $response");
    }
    $page = json_decode($response, true);
    foreach ($page['data'] as $customer) {
        echo $customer['id'], ' ', $customer['email'], "\n";
    }
    $query['cursor'] = $page['pagination']['nextCursor'];
} while ($page['pagination']['hasMore']);
