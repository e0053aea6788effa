"""Settings of nbgrader, which is called in this folder."""

c = get_config()  # noqa: F821, which nbgrader gives
c.CourseDirectory.course_id = "linclf"
c.Execute.timeout = 300  # seconds for a cell; training on the default data takes a few
c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
c.ClearSolutions.text_stub = "Your answer here."
