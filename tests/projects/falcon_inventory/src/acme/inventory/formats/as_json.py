import json


class JsonFormat:
    content_type = "application/json"

    @staticmethod
    def __call__(rows):
        return json.dumps(rows)
