-- Everything PostgreSQL knows about the shape of the tables in the current schema, ours left out, one line for each part.
WITH tables AS (
    SELECT c.oid, c.relname FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r' AND c.relname NOT LIKE 'tokenpair\_%'
)
SELECT t.relname || ' column ' || lpad((row_number() OVER (PARTITION BY t.oid ORDER BY a.attnum))::text, 2, '0') || ': '
       || concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            CASE a.attidentity WHEN 'd' THEN 'IDENTITY BY DEFAULT' WHEN 'a' THEN 'IDENTITY ALWAYS' END,
            'DEFAULT ' || pg_get_expr(d.adbin, d.adrelid))
FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
UNION ALL
SELECT t.relname || ' constraint ' || c.conname || ': ' || pg_get_constraintdef(c.oid)
FROM tables t JOIN pg_constraint c ON c.conrelid = t.oid
UNION ALL
SELECT t.relname || ' index ' || i.indexrelid::regclass || ': ' || replace(pg_get_indexdef(i.indexrelid), quote_ident(current_schema()) || '.', '')
FROM tables t JOIN pg_index i ON i.indrelid = t.oid
UNION ALL
SELECT t.relname || ' sequence ' || s.seqrelid::regclass || ': ' || concat_ws(' ', format_type(s.seqtypid, NULL),
            'FOR', a.attname, 'START', s.seqstart, 'BY', s.seqincrement, 'FROM', s.seqmin, 'TO', s.seqmax, 'CACHE', s.seqcache,
            CASE WHEN s.seqcycle THEN 'CYCLE' END)
FROM tables t JOIN pg_depend d ON d.refobjid = t.oid AND d.deptype IN ('a', 'i') AND d.classid = 'pg_class'::regclass
JOIN pg_sequence s ON s.seqrelid = d.objid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
ORDER BY 1
