-- Fill in the currency of invoices that have none, from the country on the day of the invoice.
UPDATE ledger.invoices i
SET    currency = c.currency
FROM   country_history h
JOIN   country_currency c ON c.country = h.country
WHERE  i.customer_id = h.customer_id
  AND  i.issued_at >= h.valid_from
  AND  (h.valid_to IS NULL OR i.issued_at < h.valid_to)
  AND  i.currency IS NULL
  AND  i.kind = 'invoice'
  AND  i.id BETWEEN :lo AND :hi;
