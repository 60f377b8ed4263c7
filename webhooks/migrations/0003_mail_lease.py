from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("webhooks", "0002_fewer_delivery_indexes"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="mailing_until",
            field=models.DateTimeField(null=True),
        ),
    ]
