print("only what the job needs came along")
