from tortoise import fields, migrations
from tortoise.migrations import operations as ops


class Migration(migrations.Migration):
    dependencies = [("shelf", "0001_initial")]

    operations = [
        ops.AddField(model_name="BookRow", name="pages", field=fields.IntField()),
    ]
