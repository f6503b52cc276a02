-- Splits the tables of customers and of idempotency keys into 8 partitions by company. Run it once, with psql, as the
-- owner of the tables, while no server runs: it copies both tables in one transaction.
--
--   psql --set ON_ERROR_STOP=1 --single-transaction --file=server/deploy/partitions.sql "$DATABASE_URL"
alter table customers rename to customers_before;
alter table idempotency_keys rename to idempotency_keys_before;
-- Includes checks and indexes; every unique index contains the partition key, as partitioning requires.
create table customers (like customers_before including all) partition by hash (company_id);
create table idempotency_keys (like idempotency_keys_before including all) partition by hash (company_id);
alter table customers add foreign key (company_id) references companies (id);
alter table idempotency_keys add foreign key (company_id) references companies (id);

do $$
begin
  for n in 0..7 loop
    execute format('create table customers_%s partition of customers for values with (modulus 8, remainder %s)', n, n);
    execute format('create table idempotency_keys_%s partition of idempotency_keys for values with (modulus 8, remainder %s)', n, n);
  end loop;
end
$$;

insert into customers select * from customers_before;
insert into idempotency_keys select * from idempotency_keys_before;
drop table customers_before, idempotency_keys_before;

-- Created after the copy, so that it is not recorded as changes.
create trigger audit_insert after insert on customers for each row
  when (new.changed_by is not null) execute function audit_insert();
create trigger audit_update after update of changed_by on customers for each row
  when (old.updated_at is distinct from new.updated_at) execute function audit_update();

analyze customers, idempotency_keys;
