"""Given names that are common and no words, to be found where a text does not say that they are names (twin/mask.py knows what announces one)."""

NAMES = frozenset("""
Aaron Adam Adrian Aisha Alan Albert Alejandro Alex Alexander Alexandra Alice Alina Alison Allison Amanda Amelia Amir Amy Ana Andrea Andrei
Andrew Andy Angela Anita Anna Anne Annie Anthony Anton Antonio Arthur Ashley Barbara Beatrice Ben Benjamin Beth Betty Bob Brandon Brenda
Brian Bruno Camille Carla Carlos Carol Caroline Carmen Catherine Cathy Cecilia Charles Charlie Charlotte Chen Chiara Chris Christian
Christina Christine Christopher Claire Clara Claudia Connor Craig Cynthia Dan Daniel Daniela Danny Dave David Deborah Debbie Denise Dennis
Derek Diana Diego Dmitri Donald Donna Dorothy Dylan Eddie Edward Elena Elisabeth Elizabeth Ella Ellen Emil Emily Emma Eric Erik Erika Erin
Ethan Eva Evan Evelyn Fatima Felix Fernando Fiona Francesca Francesco Francis Francisco Fred Frederick Gabriel Gabriela Gary Geoff George
Gerald Giovanni Giulia Gloria Gordon Greg Gregory Gustav Hannah Hans Harold Harry Hassan Heather Heidi Helen Helena Henry Howard Hugo Ian
Ibrahim Ida Igor Ines Ingrid Irene Isaac Isabel Isabella Ivan Jacob Jake James Jamie Jan Jane Janet Janice Jason Javier Jean Jeff Jeffrey
Jen Jennifer Jenny Jeremy Jerry Jessica Jim Jimmy Joan Joanna Joe Joel Johan John Johnny Jonas Jonathan Jordan Jorge Jose Joseph Joshua Juan
Judith Judy Julia Julian Julie Juliet Karen Karin Karl Kate Katherine Kathleen Kathy Katie Keith Kelly Ken Kenneth Kevin Kim Klaus Kyle Lara
Larry Laura Lauren Lena Leo Leon Leonard Leslie Liam Lily Linda Lisa Liz Louis Louise Luca Lucas Lucia Lucy Luis Luke Maggie Manuel Marco
Marcus Maria Marie Mario Marta Martha Martin Mary Mateo Matt Matthew Matthias Maureen Max Megan Mehmet Melanie Melissa Mia Michael Michelle
Miguel Mike Mikhail Miriam Mohamed Mohammed Molly Monica Monika Nadia Nancy Natalia Natalie Natasha Nathan Neil Nicholas Nick Nicola Nicole
Nikolai Nina Noah Nora Olga Oliver Olivia Omar Oscar Pablo Pamela Patricia Patrick Paul Paula Pedro Peter Petra Phil Philip Phillip Pierre
Priya Rachel Ralph Ramon Raj Rebecca Ricardo Richard Rick Rob Robert Roberta Roberto Robin Roger Roland Ronald Rosa Ruth Ryan Sally Sam
Samantha Samuel Sandra Sanjay Sara Sarah Sean Sebastian Sergei Sharon Sheila Simon Sofia Sonia Sophia Sophie Stanley Stefan Stella Stephanie
Stephen Steve Steven Stuart Sue Susan Suzanne Sven Sylvia Tanya Tara Ted Teresa Theo Theresa Thomas Tim Timothy Tina Tobias Tom Tommy Tony
Tracy Ursula Valentina Valerie Vanessa Vera Veronica Victor Victoria Vikram Vincent Viktor Walter Wendy William Xavier Yan Yuki Yusuf Yvonne
Zoe
""".split())                                             # noqa: SIM905
