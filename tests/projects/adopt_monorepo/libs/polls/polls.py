QUESTIONS = {"lunch": ["soup", "salad"]}
