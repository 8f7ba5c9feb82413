def test_a_recipe_names_what_is_in_it(app):
    answer = app.test_client().get("/recipes/soup")
    assert answer.json == {"name": "soup", "ingredients": ["leek", "potato"]}
