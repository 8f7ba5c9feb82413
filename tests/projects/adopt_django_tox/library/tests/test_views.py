from django.test import TestCase


class ViewsTest(TestCase):
    def test_there_are_no_books_yet(self):
        assert self.client.get("/books/").json() == {"books": []}
