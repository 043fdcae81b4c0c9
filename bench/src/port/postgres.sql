-- The usual audit table that chains its rows: each row's hash covers the one before, and a one-row table holds the end.
CREATE EXTENSION IF NOT EXISTS pgcrypto;
CREATE TABLE audit (
  seq bigint PRIMARY KEY,
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  actor text NOT NULL DEFAULT current_user,
  event jsonb NOT NULL,
  prev bytea NOT NULL,
  hash bytea NOT NULL
);
CREATE TABLE audit_end (one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL, hash bytea NOT NULL);
INSERT INTO audit_end (seq, hash) VALUES (0, '\x00');
CREATE FUNCTION audit_append(events jsonb[]) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  last audit_end%ROWTYPE;
  one jsonb;
  h bytea;
BEGIN
  SELECT * INTO last FROM audit_end FOR UPDATE;
  FOREACH one IN ARRAY events LOOP
    h := digest(last.hash || convert_to(one::text, 'UTF8'), 'sha256');
    INSERT INTO audit (seq, event, prev, hash) VALUES (last.seq + 1, one, last.hash, h);
    last.seq := last.seq + 1;
    last.hash := h;
  END LOOP;
  UPDATE audit_end SET seq = last.seq, hash = last.hash;
  RETURN last.seq;
END $$;
