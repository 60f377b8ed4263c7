from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat", "0001_chats_and_messages"),
    ]

    operations = [
        migrations.AddField(
            model_name="message",
            name="citations",
            field=models.JSONField(default=list),
        ),
    ]
