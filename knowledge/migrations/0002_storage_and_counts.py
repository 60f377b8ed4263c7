"""What Django's models cannot say: cascades of the database's own, where rows are kept, counting."""

from django.db import migrations

CASCADES = """
ALTER TABLE knowledge_chunk ADD CONSTRAINT chunk_goes_with_source
    FOREIGN KEY (source_id) REFERENCES knowledge_source (id) ON DELETE CASCADE;
ALTER TABLE knowledge_embedding ADD CONSTRAINT embedding_goes_with_chunk
    FOREIGN KEY (chunk_id) REFERENCES knowledge_chunk (id) ON DELETE CASCADE;
"""

# A search reads the vectors of many rows and the content of few: the content of a long row is what
# goes out of line.
STORAGE = """
ALTER TABLE knowledge_chunk ALTER COLUMN sparse SET STORAGE MAIN;
ALTER TABLE knowledge_chunk ALTER COLUMN terms SET STORAGE MAIN;
"""

# However a source is deleted (by a person, with its account, in the admin), its terms are
# uncounted with it. Sorted, so that two at once wait for each other instead of in a circle.
COUNTS = """
CREATE FUNCTION knowledge_uncount_terms() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone integer[];
BEGIN
    WITH uncounted AS (
        INSERT INTO knowledge_termstat AS stat (audience, term, chunks)
        SELECT OLD.audience, (key & 1073741823)::integer AS term, -count(*)
        FROM knowledge_chunk chunk, unnest(chunk.terms || 0::bigint) AS key
        WHERE chunk.source_id = OLD.id
        GROUP BY 2
        ORDER BY 2
        ON CONFLICT (audience, term) DO UPDATE SET chunks = stat.chunks + excluded.chunks
        RETURNING stat.term, stat.chunks
    )
    SELECT array_agg(term) INTO gone FROM uncounted WHERE chunks <= 0;
    DELETE FROM knowledge_termstat WHERE audience = OLD.audience AND term = ANY (gone);
    RETURN OLD;
END
$$;
CREATE TRIGGER uncount_terms BEFORE DELETE ON knowledge_source
    FOR EACH ROW EXECUTE FUNCTION knowledge_uncount_terms();
"""

# Of the embedded model; those of others are made when they are first used.
INDEX = """
CREATE INDEX knowledge_embedding_all_minilm_l6_v2_int8 ON knowledge_embedding
    USING hnsw ((vector::vector(384)) vector_ip_ops) WHERE model = 'all-MiniLM-L6-v2-int8';
"""


class Migration(migrations.Migration):
    dependencies = [("knowledge", "0001_sources")]
    operations = [
        migrations.RunSQL(
            CASCADES,
            "ALTER TABLE knowledge_chunk DROP CONSTRAINT chunk_goes_with_source;"
            "ALTER TABLE knowledge_embedding DROP CONSTRAINT embedding_goes_with_chunk;",
        ),
        migrations.RunSQL(STORAGE, migrations.RunSQL.noop),
        migrations.RunSQL(
            COUNTS,
            "DROP TRIGGER uncount_terms ON knowledge_source;"
            "DROP FUNCTION knowledge_uncount_terms();",
        ),
        migrations.RunSQL(INDEX, "DROP INDEX IF EXISTS knowledge_embedding_all_minilm_l6_v2_int8;"),
    ]
