"""Vectors of half the size, in the column and in the index of each model; no index twice."""

import django.db.models.deletion
import pgvector.django
from django.db import migrations, models

# The models' indexes are made anew, each by its own definition with the other type in it.
CHANGE = """
DO $$
DECLARE
    definition text;
    definitions text[];
BEGIN
    SELECT array_agg(indexdef) INTO definitions FROM pg_indexes
    WHERE schemaname = current_schema() AND tablename = 'knowledge_embedding'
        AND indexdef LIKE '%% USING hnsw %%';
    FOREACH definition IN ARRAY coalesce(definitions, '{{}}') LOOP
        EXECUTE 'DROP INDEX ' || split_part(definition, ' ', 3);
    END LOOP;
    ALTER TABLE knowledge_embedding ALTER vector TYPE {new} USING vector::{new};
    FOREACH definition IN ARRAY coalesce(definitions, '{{}}') LOOP
        definition := replace(definition, '::{old}(', '::{new}(');
        EXECUTE replace(definition, ' {old}_ip_ops', ' {new}_ip_ops');
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0002_storage_and_counts")]
    operations = [
        migrations.RunSQL(
            CHANGE.format(old="vector", new="halfvec"),
            CHANGE.format(old="halfvec", new="vector"),
            state_operations=[
                migrations.AlterField("embedding", "vector", pgvector.django.HalfVectorField())
            ],
        ),
        migrations.AlterField(
            "chunk",
            "source",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="chunks",
                to="knowledge.source",
            ),
        ),
        migrations.AlterField(
            "embedding",
            "chunk",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="embeddings",
                to="knowledge.chunk",
            ),
        ),
        migrations.AddIndex(
            "embedding", models.Index(fields=["source_id"], name="embeddings_of_a_source")
        ),
    ]
