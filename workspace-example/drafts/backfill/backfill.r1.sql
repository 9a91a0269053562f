-- Fill in the currency of invoices that have none.
UPDATE ledger.invoices i
SET    currency = c.billing_currency
FROM   customers c
WHERE  i.customer_id = c.id
  AND  i.currency IS NULL
  AND  i.id BETWEEN :lo AND :hi;
