import csv
import io


def write(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=["name", "count"])
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


write.content_type = "text/csv; charset=utf-8"
