from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="IndexedArticle",
            fields=[
                ("slug", models.SlugField(primary_key=True, serialize=False)),
                ("source_id", models.UUIDField()),
                ("digest", models.CharField(max_length=64)),
            ],
        ),
    ]
