"""Graphs with more edges, looked for longer: see knowledge.vectors.GRAPH."""

from django.db import migrations

# The models' indexes are made anew, each by its own definition but for that.
CHANGE = """
DO $$
DECLARE
    definition text;
BEGIN
    FOR definition IN SELECT indexdef FROM pg_indexes
        WHERE schemaname = current_schema() AND tablename = 'knowledge_embedding'
            AND indexdef LIKE '%% USING hnsw %%'
    LOOP
        EXECUTE 'DROP INDEX ' || split_part(definition, ' ', 3);
        EXECUTE regexp_replace(
            definition, '( WITH \\([^)]*\\))? WHERE ', ' WITH (m={m}, ef_construction={ef}) WHERE '
        );
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0003_half_precision")]
    operations = [
        migrations.RunSQL(CHANGE.format(m=24, ef=128), CHANGE.format(m=16, ef=64)),
    ]
